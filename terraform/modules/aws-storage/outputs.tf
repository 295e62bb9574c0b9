output "objects_url" {
  description = "What SLUICE_OBJECTS_URL is set to: no key in it, the pods' identity is asked."
  value       = "s3://${aws_s3_bucket.objects.id}/?region=${aws_s3_bucket.objects.region}"
}

output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.objects.id
}
