variable "zone_id" {
  description = "Route 53 zone in which the hosts are."
  type        = string
}

variable "hosts" {
  description = "The public hosts, by what they are for (modules/sizing gives them)."
  type        = map(string)
}

variable "load_balancer" {
  description = "Host name of the load balancer in front of Knative's ingress."
  type        = string
}

variable "ttl" {
  description = "Seconds for which others may keep an answer; low, so that a move is quick."
  type        = number
  default     = 60
}
