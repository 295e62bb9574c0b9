variable "name" {
  description = "Name of the installation, a prefix of everything that is made: lower-case letters, digits and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "A name has 3 to 20 lower-case letters, digits or hyphens, begins with a letter and ends with none of the hyphens."
  }
}

variable "domain" {
  description = "Domain below which the three hosts collect., api. and app. are reached."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "A domain looks like analytics.example.com, without a scheme and without a slash."
  }
}

variable "size" {
  description = "Events a second to be ready for: 10k, 100k or 1m; docs/scaling.md says what each is computed from."
  type        = string
  default     = "10k"

  validation {
    condition     = contains(["10k", "100k", "1m"], var.size)
    error_message = "The size is 10k, 100k or 1m."
  }
}

variable "node_cores" {
  description = "Cores of one node that runs functions."
  type        = number
  default     = 4

  validation {
    condition     = var.node_cores >= 2 && floor(var.node_cores) == var.node_cores
    error_message = "A node has 2 whole cores or more."
  }
}
