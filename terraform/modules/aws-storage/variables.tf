variable "bucket" {
  description = "Name of the bucket for exports and backups; unique in all of S3."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "A bucket has 3 to 63 lower-case letters, digits or hyphens."
  }
}

variable "cluster" {
  description = "Name of the EKS cluster whose pods may use the bucket."
  type        = string
}

variable "namespace" {
  description = "Namespace of the Helm release."
  type        = string
  default     = "analytics"
}

variable "service_accounts" {
  description = "Service accounts that may use the bucket: those of the functions that read and write files."
  type        = list(string)
  default     = ["sluice-export", "sluice-backup"]
}

variable "keep_noncurrent_days" {
  description = "After how many days versions that were replaced or deleted are gone. An erasure is complete only then."
  type        = number
  default     = 14

  validation {
    condition     = var.keep_noncurrent_days >= 1 && var.keep_noncurrent_days <= 30
    error_message = "1 to 30 days: a person's erasure has to be complete within a month."
  }
}
