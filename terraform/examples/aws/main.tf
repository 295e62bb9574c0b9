# Everything on AWS: network, EKS, bucket, add-ons, DNS. Two steps, because providers for the cluster need its address
# and the records need the load balancer's name:
#
#   terraform apply -target=module.cluster
#   terraform apply                              # add-ons, bucket
#   terraform apply -var load_balancer=…         # records, once `kubectl -n knative-serving get service kourier` has a name

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.1"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 3.0"
    }
  }

  # A state holds secrets: keep it encrypted, locked and away from the repository. Fill in and uncomment.
  # backend "s3" {
  #   bucket       = "your-terraform-state"
  #   key          = "sluice/terraform.tfstate"
  #   region       = "eu-central-1"
  #   encrypt      = true
  #   use_lockfile = true
  # }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { project = var.name }
  }
}

provider "kubernetes" {
  host                   = module.cluster.endpoint
  cluster_ca_certificate = base64decode(module.cluster.certificate_authority)

  exec {
    api_version = "client.authentication.k8s.io/v1"
    command     = "aws"
    args        = ["eks", "get-token", "--cluster-name", module.cluster.name, "--region", var.region]
  }
}

provider "helm" {
  kubernetes = {
    host                   = module.cluster.endpoint
    cluster_ca_certificate = base64decode(module.cluster.certificate_authority)

    exec = {
      api_version = "client.authentication.k8s.io/v1"
      command     = "aws"
      args        = ["eks", "get-token", "--cluster-name", module.cluster.name, "--region", var.region]
    }
  }
}

module "sizing" {
  source = "../../modules/sizing"

  name   = var.name
  domain = var.domain
  size   = var.size
}

module "cluster" {
  source = "../../modules/aws-cluster"

  name           = var.name
  zones          = var.zones
  admin_networks = var.admin_networks

  function_nodes = {
    type = var.function_node_type
    min  = 2
    max  = module.sizing.function_nodes
  }

  store_nodes = {
    type  = var.store_node_type
    count = max(3, module.sizing.size.brokers)
  }
}

module "storage" {
  source = "../../modules/aws-storage"

  bucket    = module.sizing.bucket
  cluster   = module.cluster.name
  namespace = var.namespace
}

module "addons" {
  source = "../../modules/addons"

  domain = var.domain

  ingress_service_annotations = {
    "service.beta.kubernetes.io/aws-load-balancer-type" = "nlb"
  }

  depends_on = [module.cluster]
}

module "dns" {
  source = "../../modules/aws-dns"
  count  = var.load_balancer == "" ? 0 : 1

  zone_id       = var.zone_id
  hosts         = module.sizing.hosts
  load_balancer = var.load_balancer
}
