output "installed" {
  description = "Names of the add-ons that this module installed."
  value       = sort([for name, wanted in var.install : name if wanted])
}

output "ingress_service" {
  description = "Namespace and name of the Service whose load balancer takes public requests."
  value       = { namespace = "knative-serving", name = "kourier" }
}
