output "kubeconfig_command" {
  description = "Writes the kubeconfig that `./task deploy` uses."
  value       = "aws eks update-kubeconfig --region ${var.region} --name ${module.cluster.name}"
}

output "objects_url" {
  description = "SLUICE_OBJECTS_URL for `./task secrets`."
  value       = module.storage.objects_url
}

output "hosts" {
  description = "The public hosts."
  value       = module.sizing.hosts
}

output "size" {
  description = "Replicas, partitions, brokers and disks to set in the chart's values."
  value       = module.sizing.size
}
