# What a rate of events needs. The numbers are made by `task docs` (shared/deploy/sizing.py, docs/scaling.md), so this
# module, the docs and the tests cannot disagree. It uses no provider: `terraform test` runs it anywhere.

terraform {
  required_version = ">= 1.9.0"
}

locals {
  sizes = jsondecode(file("${path.module}/sizes.json"))
  size  = local.sizes[var.size]

  # Room for the functions that sleep: what is awake at once is a guess, and so is labelled in docs/scaling.md.
  cores_awake = 4

  hosts = {
    collect = "collect.${var.domain}"
    api     = "api.${var.domain}"
    app     = "app.${var.domain}"
  }

  function_cores  = local.size.ingest_replicas + local.size.batch_write_replicas + local.cores_awake
  function_nodes  = max(2, ceil(local.function_cores / var.node_cores))
  store_cores     = max(local.size.broker_cores, local.size.warehouse_cores)
  bucket_name_tag = substr(sha1("${var.name}/${var.domain}"), 0, 8)
}
