"""SLO files and gates of other tools, as their users write them."""

SLOTH = """
version: prometheus/v1
service: checkout
labels: {owner: shop}
slos:
  - name: requests-availability
    objective: 99.9
    description: Answers that are no server error.
    sli:
      events:
        error_query: sum(rate(http_requests_total{job="checkout",code=~"(5..|429)"}[{{.window}}])) or vector(0)
        total_query: sum(rate(http_requests_total{job="checkout"}[{{.window}}]))
    alerting: {name: CheckoutErrors, page_alert: {labels: {severity: pageteam}}}
  - name: requests-latency
    objective: 99
    sli:
      events:
        error_query: |
          (
            sum(rate(http_seconds_count{job="checkout"}[{{.window}}]))
            -
            sum(rate(http_seconds_bucket{job="checkout",le="0.3"}[{{.window}}]))
          )
        total_query: sum(rate(http_seconds_count{job="checkout"}[{{.window}}]))
"""
SLOTH_RESOURCE = """
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {name: checkout, namespace: monitoring}
spec:
  service: checkout
  slos:
    - name: availability
      objective: 99.5
      sli:
        events:
          errorQuery: sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))
          totalQuery: sum(rate(http_requests_total[{{.window}}]))
"""
PYRRA = """
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: checkout-errors, namespace: monitoring, labels: {pyrra.dev/team: shop}}
spec:
  target: '99.5'
  window: 4w
  indicator:
    ratio:
      errors: {metric: 'http_requests_total{job="checkout",code=~"5.."}'}
      total: {metric: 'http_requests_total{job="checkout"}'}
      grouping: [handler]
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: checkout-latency}
spec:
  target: '99'
  window: 2w
  indicator:
    latency:
      success: {metric: 'http_seconds_bucket{job="checkout",le="0.1"}'}
      total: {metric: 'http_seconds_count{job="checkout"}'}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: checkout-native}
spec:
  target: '99'
  window: 30d
  indicator:
    latencyNative:
      latency: 100ms
      total: {metric: 'http_seconds{job="checkout"}'}
"""
OPENSLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: availability, displayName: Availability}
spec:
  service: checkout
  description: Most requests are answered well.
  indicatorRef: good-answers
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - {displayName: paid users, target: 0.999}
    - {targetPercent: 99}
  alertPolicies: [{alertPolicyRef: fast}]
"""
OPENSLO_SLI = """
apiVersion: openslo/v1
kind: SLI
metadata: {name: good-answers}
spec:
  ratioMetric:
    counter: true
    good:
      metricSource:
        metricSourceRef: thanos
        type: Prometheus
        spec: {query: 'http_requests_total{code!~"5.."}'}
    total: {metricSource: {type: Prometheus, spec: {query: sum(http_requests_total)}}}
"""
OPENSLO_INLINE = """
- apiVersion: openslo/v1
  kind: SLO
  metadata: {name: inline}
  spec:
    indicator:
      metadata: {name: bad-answers}
      spec:
        ratioMetric:
          counter: true
          bad: {metricSource: {type: prometheus, spec: {query: 'sum(increase(errors_total[5m]))'}}}
          total: {metricSource: {type: prometheus, spec: {query: 'sum(increase(requests_total[5m]))'}}}
    timeWindow: [{duration: 1M, isRolling: false, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}]
    objectives: [{target: 0.95}]
"""
KEPTN = """
spec_version: '1.0'
filter: {svc: checkout}
comparison: {compare_with: single_result, include_result_with_score: pass}
objectives:
  - sli: response_time_p95
    pass: [{criteria: ["<=+10%", "<600"]}]
    warning: [{criteria: ["<=800"]}]
    weight: 2
    key_sli: true
  - sli: throughput
total_score: {pass: "90%", warning: "75%"}
"""
KEPTN_SLI = """
spec_version: '1.0'
indicators:
  response_time_p95: histogram_quantile(0.95, sum by (le) (rate(ms_bucket{svc="$svc",stage="$STAGE"}[5m])))
"""
ARGO = """
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: success-rate}
spec:
  args:
    - {name: service-name}
    - {name: window, value: 5m}
  metrics:
    - name: success-rate
      interval: 1m
      initialDelay: 30s
      count: 10
      successCondition: result[0] >= 0.95
      failureCondition: result[0] < 0.9
      failureLimit: 3
      inconclusiveLimit: 1
      consecutiveErrorLimit: 2
      provider:
        prometheus:
          address: http://prometheus:9090
          query: |
            sum(rate(ok_total{service="{{args.service-name}}"}[{{args.window}}])) /
            sum(rate(all_total{service="{{args.service-name}}"}[{{args.window}}]))
    - name: everywhere
      interval: 1m
      successCondition: 'all(result, # < 0.5)'
      provider: {prometheus: {query: 'max by (pod) (load{pod=~"{canary}"})'}}
"""
FLAGGER = """
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: checkout, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  service: {port: 80}
  analysis:
    interval: 1m
    threshold: 5
    maxWeight: 50
    stepWeight: 10
    metrics:
      - {name: "404s percentage", templateRef: {name: not-found}, thresholdRange: {max: 5}, interval: 2m}
      - {name: request-success-rate, thresholdRange: {min: 99}, interval: 1m}
    webhooks: [{name: load, url: "http://load"}]
---
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata: {name: not-found, namespace: shop}
spec:
  provider: {type: prometheus, address: "http://prometheus:9090"}
  query: |
    sum(rate(http_total{namespace="{{ namespace }}",target="{{ target }}",code="404"}[{{ interval }}]))
      / sum(rate(http_total{namespace="{{ namespace }}"}[{{ interval }}])) * 100
"""
