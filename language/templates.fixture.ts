/** What no YAML parser reads, or what is no whole resource: Helm charts, Kustomize sources, envsubst. Nothing is wrong with any of it. */
export const templates: readonly string[] = [
  `{{- if .Values.istio.enabled }}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: {{ include "shop.fullname" . }}
  labels:
    {{- include "shop.labels" . | nindent 4 }}
spec:
  hosts:
    {{- range .Values.hosts }}
    - {{ . | quote }}
    {{- end }}
  http:
    - route:
        - destination:
            host: {{ .Values.host }}
            port: { number: {{ .Values.port }} }
          weight: {{ .Values.weight | default 100 }}
{{- end }}
`,
  `{{ range $name, $service := .Values.services }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
spec:
  type: {{ $service.type }}
{{ end }}
`,
  `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop
resources: [../base]
patches:
  - target: { kind: VirtualService, name: shop }
    patch: |-
      - op: replace
        path: /spec/http/0/timeout
        value: 5s
configMapGenerator:
  - name: settings
    literals: [a=b]
`,
  `apiVersion: v2
name: shop
version: 1.2.3
dependencies:
  - { name: base, version: "1.x", repository: "https://example.com/charts" }
`,
  `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: "\${NAME}", namespace: "\${NAMESPACE:=shop}" }
spec:
  hosts: ["shop.\${DOMAIN}", $(HOST)]
  gateways: ["\${GATEWAY}"]
  http:
    - timeout: \${TIMEOUT}
      route:
        - destination:
            host: \${SERVICE}
            port:
              number: \${PORT}
          weight: \${{WEIGHT}}
`,
  `# Default values
replicaCount: 1
image: { repository: shop, tag: "" }
istio: { enabled: true, hosts: [] }
`,
];
