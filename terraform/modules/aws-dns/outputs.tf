output "names" {
  description = "The hosts that now have a record."
  value       = [for record in aws_route53_record.host : record.fqdn]
}
