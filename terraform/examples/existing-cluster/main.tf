# Sluice's add-ons in a cluster that you have: `terraform init && terraform apply -var context=… -var domain=…`, then
# `./task secrets` and `./task deploy` from the root of the repository.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.1"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 3.0"
    }
  }
}

provider "kubernetes" {
  config_path    = pathexpand(var.kubeconfig)
  config_context = var.context
}

provider "helm" {
  kubernetes = {
    config_path    = pathexpand(var.kubeconfig)
    config_context = var.context
  }
}

module "sizing" {
  source = "../../modules/sizing"

  name   = var.name
  domain = var.domain
  size   = var.size
}

module "addons" {
  source = "../../modules/addons"

  domain  = var.domain
  install = var.install
}
