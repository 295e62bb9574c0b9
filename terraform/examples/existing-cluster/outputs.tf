output "hosts" {
  description = "The hosts to make DNS records for, once the ingress has its load balancer."
  value       = module.sizing.hosts
}

output "ingress_service" {
  description = "The Service whose address they point at."
  value       = module.addons.ingress_service
}

output "size" {
  description = "Replicas, partitions, brokers and disks to set in the chart's values."
  value       = module.sizing.size
}
