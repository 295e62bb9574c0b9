# Runs without a provider and without a network: `terraform init && terraform test`.

variables {
  name   = "sluice"
  domain = "analytics.example.com"
}

run "ten_thousand_events_a_second_are_the_default" {
  command = plan

  assert {
    condition     = output.size.events_per_second == 10000
    error_message = "the default size is not 10k"
  }
  assert {
    condition     = output.function_nodes == 2
    error_message = "two nodes, so that one may go"
  }
  assert {
    condition     = output.hosts.collect == "collect.analytics.example.com"
    error_message = "the host that takes events"
  }
}

run "a_larger_size_never_needs_less" {
  command = plan

  variables {
    size = "1m"
  }

  assert {
    condition     = output.size.partitions >= 2 * output.size.batch_write_replicas
    error_message = "every replica of batch_write has partitions of its own"
  }
  assert {
    condition     = output.function_nodes > run.ten_thousand_events_a_second_are_the_default.function_nodes
    error_message = "a hundred times the events on as many nodes"
  }
}

run "a_bucket_keeps_its_name" {
  command = plan

  assert {
    condition     = output.bucket == run.ten_thousand_events_a_second_are_the_default.bucket
    error_message = "the name changed from one run to the next"
  }
  assert {
    condition     = length(output.bucket) <= 63
    error_message = "S3 takes 63 characters"
  }
}

run "a_size_that_nobody_computed_is_refused" {
  command = plan

  variables {
    size = "5k"
  }

  expect_failures = [var.size]
}

run "a_domain_is_no_url" {
  command = plan

  variables {
    domain = "https://analytics.example.com"
  }

  expect_failures = [var.domain]
}

run "a_name_fits_every_resource_it_begins" {
  command = plan

  variables {
    name = "Sluice_Production"
  }

  expect_failures = [var.name]
}
