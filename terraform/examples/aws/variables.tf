variable "name" {
  description = "Name of the installation and of its cluster."
  type        = string
  default     = "sluice"
}

variable "domain" {
  description = "Domain below which collect., api. and app. are reached."
  type        = string
}

variable "zone_id" {
  description = "Route 53 zone of that domain."
  type        = string
}

variable "region" {
  description = "AWS region; where the events may lawfully be kept."
  type        = string
  default     = "eu-central-1"
}

variable "zones" {
  description = "Availability zones of the region, two or three."
  type        = list(string)
  default     = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
}

variable "admin_networks" {
  description = "Networks from which the Kubernetes API may be reached."
  type        = list(string)
}

variable "size" {
  description = "Events a second to be ready for: 10k, 100k or 1m."
  type        = string
  default     = "10k"
}

variable "function_node_type" {
  description = "Instance type of nodes for functions; modules/sizing counts four cores each."
  type        = string
  default     = "m7i.xlarge"
}

variable "store_node_type" {
  description = "Instance type of nodes for Kafka, ClickHouse, PostgreSQL and Valkey."
  type        = string
  default     = "r7i.xlarge"
}

variable "namespace" {
  description = "Namespace of the Helm release."
  type        = string
  default     = "analytics"
}

variable "load_balancer" {
  description = "Host name of the ingress' load balancer; empty until it exists."
  type        = string
  default     = ""
}
