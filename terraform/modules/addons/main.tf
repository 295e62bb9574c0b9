# What Sluice stands on in any cluster. Each is its makers' chart at one version; nothing is patched.

locals {
  kafka_manifests = [
    for part in ["controller", "source", "sink"] :
    "https://github.com/knative-extensions/eventing-kafka-broker/releases/download/knative-v${var.versions.knative_kafka}/eventing-kafka-${part}.yaml"
  ]
}

resource "helm_release" "cert_manager" {
  count = var.install.cert_manager ? 1 : 0

  name             = "cert-manager"
  namespace        = "cert-manager"
  create_namespace = true
  repository       = "https://charts.jetstack.io"
  chart            = "cert-manager"
  version          = var.versions.cert_manager
  atomic           = true
  timeout          = 600

  values = [yamlencode({ crds = { enabled = true, keep = true } })]
}

resource "helm_release" "knative_operator" {
  count = var.install.knative ? 1 : 0

  name             = "knative-operator"
  namespace        = "knative-operator"
  create_namespace = true
  repository       = "https://knative.github.io/operator"
  chart            = "knative-operator"
  version          = var.versions.knative_operator
  atomic           = true
  timeout          = 600
}

resource "kubernetes_namespace_v1" "knative" {
  for_each = var.install.knative ? toset(["knative-serving", "knative-eventing"]) : toset([])

  metadata {
    name = each.value
  }
}

# The operator's two objects, as a chart of two templates: a kubernetes_manifest would ask for their kinds while
# planning, before the operator has brought them.
resource "helm_release" "knative" {
  count = var.install.knative ? 1 : 0

  name      = "knative"
  namespace = "knative-operator"
  chart     = "${path.module}/charts/knative"
  atomic    = true
  timeout   = 900

  values = [yamlencode({
    serving            = { version = var.versions.knative_serving }
    eventing           = { version = var.versions.knative_eventing, additionalManifests = local.kafka_manifests }
    domain             = var.domain
    serviceAnnotations = var.ingress_service_annotations
    internalTls        = var.internal_tls
  })]

  depends_on = [helm_release.knative_operator, kubernetes_namespace_v1.knative]
}

resource "helm_release" "strimzi" {
  count = var.install.strimzi ? 1 : 0

  name             = "strimzi"
  namespace        = "strimzi"
  create_namespace = true
  repository       = "oci://quay.io/strimzi-helm"
  chart            = "strimzi-kafka-operator"
  version          = var.versions.strimzi
  atomic           = true
  timeout          = 600

  values = [yamlencode({ watchAnyNamespace = true })]
}

resource "helm_release" "clickhouse_operator" {
  count = var.install.clickhouse_operator ? 1 : 0

  name             = "clickhouse-operator"
  namespace        = "clickhouse-operator"
  create_namespace = true
  repository       = "https://helm.altinity.com"
  chart            = "altinity-clickhouse-operator"
  version          = var.versions.clickhouse_operator
  atomic           = true
  timeout          = 600
}

resource "helm_release" "monitoring" {
  count = var.install.monitoring ? 1 : 0

  name             = "monitoring"
  namespace        = "monitoring"
  create_namespace = true
  repository       = "oci://ghcr.io/prometheus-community/charts"
  chart            = "kube-prometheus-stack"
  version          = var.versions.monitoring
  atomic           = true
  timeout          = 900

  values = [yamlencode({
    prometheus = {
      prometheusSpec = {
        retention = var.monitoring_retention
        # Monitors and rules of every namespace count, not only those with this release's label.
        podMonitorSelectorNilUsesHelmValues     = false
        serviceMonitorSelectorNilUsesHelmValues = false
        ruleSelectorNilUsesHelmValues           = false
        storageSpec = {
          volumeClaimTemplate = {
            spec = { resources = { requests = { storage = var.monitoring_disk } } }
          }
        }
      }
    }
    grafana = { sidecar = { dashboards = { enabled = true, searchNamespace = "ALL" } } }
  })]
}

resource "helm_release" "keda" {
  count = var.install.keda ? 1 : 0

  name             = "keda"
  namespace        = "keda"
  create_namespace = true
  repository       = "https://kedacore.github.io/charts"
  chart            = "keda"
  version          = var.versions.keda
  atomic           = true
  timeout          = 600
}
