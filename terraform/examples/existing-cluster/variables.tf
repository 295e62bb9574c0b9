variable "kubeconfig" {
  description = "File that says how to reach the cluster."
  type        = string
  default     = "~/.kube/config"
}

variable "context" {
  description = "Context of that file. There is no default: what is applied to the wrong cluster is hard to take back."
  type        = string
}

variable "name" {
  description = "Name of the installation."
  type        = string
  default     = "sluice"
}

variable "domain" {
  description = "Domain below which collect., api. and app. are reached."
  type        = string
}

variable "size" {
  description = "Events a second to be ready for: 10k, 100k or 1m."
  type        = string
  default     = "10k"
}

variable "install" {
  description = "Which add-ons to install (modules/addons); set those to false that the cluster has."
  type        = map(bool)
  default     = {}
}
