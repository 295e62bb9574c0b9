output "hosts" {
  description = "The three public hosts."
  value       = local.hosts
}

output "size" {
  description = "The row of sizes.json: replicas, partitions, brokers, cores, disks."
  value       = local.size
}

output "function_nodes" {
  description = "Nodes for functions at the full rate; an autoscaler needs fewer most of the time."
  value       = local.function_nodes
}

output "store_cores" {
  description = "Cores that a node for Kafka or ClickHouse has at least."
  value       = local.store_cores
}

output "bucket" {
  description = "A bucket name that is the same at every run and nobody else's by chance."
  value       = "${var.name}-objects-${local.bucket_name_tag}"
}
