variable "name" {
  description = "Name of the cluster and a prefix of what belongs to it."
  type        = string
}

variable "kubernetes_version" {
  description = "Kubernetes of the cluster; the Knative versions of modules/addons need 1.34 or newer."
  type        = string
  default     = "1.35"

  validation {
    condition     = can(regex("^1\\.(3[4-9]|[4-9][0-9])$", var.kubernetes_version))
    error_message = "Kubernetes 1.34 or newer, as in 1.35."
  }
}

variable "cidr" {
  description = "Addresses of the network, a /16."
  type        = string
  default     = "10.60.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && endswith(var.cidr, "/16")
    error_message = "A network of /16, as in 10.60.0.0/16."
  }
}

variable "zones" {
  description = "Availability zones to spread over: two or three."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 3
    error_message = "Two or three zones: the stores keep their copies apart."
  }
}

variable "admin_networks" {
  description = "Networks from which the Kubernetes API may be reached. There is no default: the whole internet is no choice to make silently."
  type        = list(string)

  validation {
    condition     = length(var.admin_networks) > 0 && alltrue([for network in var.admin_networks : can(cidrhost(network, 0))])
    error_message = "At least one network, as in 192.0.2.0/24."
  }
}

variable "function_nodes" {
  description = "Nodes for functions: instance type, and the fewest and most of them."
  type = object({
    type = optional(string, "m7i.xlarge")
    min  = optional(number, 2)
    max  = optional(number, 6)
  })
  default = {}
}

variable "store_nodes" {
  description = "Nodes for Kafka, ClickHouse, PostgreSQL and Valkey: instance type and how many. They are not scaled by themselves."
  type = object({
    type  = optional(string, "r7i.xlarge")
    count = optional(number, 3)
  })
  default = {}
}
