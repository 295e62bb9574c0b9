variable "versions" {
  description = "Versions of the charts and of Knative. The defaults are those that the chart's manifests are checked against."
  type = object({
    cert_manager        = optional(string, "v1.21.1")
    knative_operator    = optional(string, "v1.23.0")
    knative_serving     = optional(string, "1.23.0")
    knative_eventing    = optional(string, "1.22.2")
    knative_kafka       = optional(string, "1.23.0")
    strimzi             = optional(string, "1.2.0")
    clickhouse_operator = optional(string, "0.25.6")
    monitoring          = optional(string, "88.1.3")
    keda                = optional(string, "2.20.2")
  })
  default = {}
}

variable "install" {
  description = "Which add-ons to install; leave out what the cluster has."
  type = object({
    cert_manager        = optional(bool, true)
    knative             = optional(bool, true)
    strimzi             = optional(bool, true)
    clickhouse_operator = optional(bool, true)
    monitoring          = optional(bool, true)
    keda                = optional(bool, false)
  })
  default = {}
}

variable "domain" {
  description = "Domain of the Knative Services that are public; their DomainMappings are below it too."
  type        = string
}

variable "ingress_service_annotations" {
  description = "Annotations of the load balancer in front of Knative's ingress, such as the kind of a cloud's balancer."
  type        = map(string)
  default     = {}
}

variable "monitoring_retention" {
  description = "How long Prometheus keeps what it measured."
  type        = string
  default     = "15d"
}

variable "monitoring_disk" {
  description = "Disk of Prometheus."
  type        = string
  default     = "50Gi"
}

variable "internal_tls" {
  description = "Whether Knative encrypts what goes between its own parts; needs cert-manager."
  type        = bool
  default     = false
}
