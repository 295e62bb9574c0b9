# collect., api. and app. point at the load balancer of the ingress.

resource "aws_route53_record" "host" {
  for_each = var.hosts

  zone_id = var.zone_id
  name    = each.value
  type    = "CNAME"
  ttl     = var.ttl
  records = [var.load_balancer]
}
