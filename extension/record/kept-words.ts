/**
 * Words that mean something to Kubernetes, to Istio, to a kernel or to everybody, and tell nothing of whose cluster it is: they
 * stay as they are in an anonymised recording, also as the names of things. docs/recordings.md refers to this list.
 */
const words = `
  istio kube system public node lease default mesh root all any none app apps v1 v2 v3 v4 version canary stable prod production
  staging stage dev test qa local cluster svc pod pods service services namespace namespaces host hosts port ports name gateway
  gateways ingress egress ingressgateway egressgateway eastwestgateway waypoint sidecar injector revision tag validator validation
  init proxy proxyv2 pilot istiod discovery cni install ztunnel ambient envoy data token tokens cert certs ca crt key keys tls mtls
  credential credentials podinfo socket workload workloads uds access kubernetes api server controller manager scheduler etcd
  coredns dns kindnet kindnetd calico cilium flannel weave antrea multus canal typha whereabouts agent operator webhook webhooks
  admission mutating validating config configmap configmaps configuration configurations secret secrets serviceaccount
  serviceaccounts account accounts http https http2 grpc tcp udp sctp tls icmp hbone mongo mysql redis postgres web admin metrics
  health healthz ready readyz livez live status probe prometheus stats telemetry tracing zipkin monitoring merge merged true false
  enabled disabled enable disable on off yes no auto linux windows amd64 arm64 arm docker io containerd cri crio runc runtime
  registry gcr ghcr quay com org net edu gov int dev local internal lan corp cloud localhost localdomain arpa library debian alpine
  ubuntu distroless slim static latest release base debug pause nginx busybox python golang java openjdk
  network networks bridge host-local hostlocal portmap bandwidth firewall tuning loopback ipvlan macvlan ptp vlan dhcp sbr vrf meshloom
  plugin plugins chain chains container containers image images pull backoff back sandbox setup add del delete check failed fail
  find found path not to the a an of for in is at by and or with from on no as it its be was are has have this that can could was
  create created creating start started starting stop stopped kill killing restart restarting schedule scheduled assigned
  successfully error code desc unknown rpc client clients connection refused timeout deadline exceeded context connect dial lookup
  get post put patch list watch read write call calling denied forbidden allowed exceeded quota limit limits request requests
  violates podsecurity baseline restricted privileged capabilities admin nodeport clusterip externalname loadbalancer
  incompatible supports supported versions volume volumes mount mountvolume attach unable missing invalid already exist exists
  readiness liveness startup unhealthy statuscode message reason event events object objects field value values type spec metadata
  replicas replica set sets deployment deployments daemonset daemonsets statefulset statefulsets replicaset replicasets job jobs
  cronjob cronjobs endpoint endpoints endpointslice endpointslices slice ingresses gatewayclass httproute route routes
  virtualservice virtualservices destinationrule destinationrules serviceentry serviceentries envoyfilter envoyfilters
  authorizationpolicy peerauthentication requestauthentication workloadentry workloadgroup wasmplugin proxyconfig
  source destination principal principals headers header claims remote ip sni method methods operation request response
  outbound inbound passthrough blackhole blackholecluster filters filter manager listener listeners virtual virtualinbound
  virtualoutbound router rbac jwt authn authz ext fault cors lua wasm subset subsets exact prefix regex uri authority scheme
  bridge host-local static azure-vnet aws-cni egress-cni gke cilium-cni kube-ovn ovn-k8s-cni-overlay
  weave router contiv terway spiderpool netavark sriov multi nic genie danm knitter galaxy sdn linkerd kuma consul override
  hostport dummy tap device shim azure aws vnet overlay ovn ovs conf conflist
  comment owner mark nat mangle raw security accept drop return redirect tproxy master dnat snat masquerade eth lo veth up down
  new established related invalid untracked uid gid socket exists conntrack state statistic mode random probability
  us eu east west north south central
  kubelet kubeadm minikube k3s rke eks gke aks helm kustomize kubectl argocd flux
  file files log logs info warn warning normal dir etc var run opt usr bin lib sbin tmp proc sys home mnt
  networking security authorization extensions apiextensions admissionregistration rbac authentication discovery coordination
  cpu memory ephemeral storage program interception capture rules
  rev helper annotation annotations label labels opt out in
  spiffe ns sa td trust domain issuer audience jwks ready ok
`;

export const keptWords: ReadonlySet<string> = new Set(words.trim().split(/\s+/));

/** Domains whose names are words of the trade: label keys, API groups, public registries. What stands before them is still renamed. */
export const keptDomains: readonly string[] = [
  'istio.io',
  'kubernetes.io',
  'k8s.io',
  'x-k8s.io',
  'cncf.io',
  'meshloom.dev',
  'docker.io',
  'gcr.io',
  'quay.io',
  'ghcr.io',
  'pkg.dev',
  'docker.com',
  'googleapis.com',
  'github.com',
  'envoyproxy.io',
  'projectcalico.org',
  'tigera.io',
  'cilium.io',
  'flannel.com',
  'openshift.io',
  'cert-manager.io',
  'prometheus.io',
  'helm.sh',
  'argoproj.io',
  'kiali.io',
  'jaegertracing.io',
  'spiffe.io',
  'cluster.local',
  'svc.cluster.local',
  'localhost',
  'localdomain',
];

/** Whether a part of a name, between dashes and dots, stays as it is. */
export function isKeptAtom(atom: string): boolean {
  return keptWords.has(atom) || /^\d+$/.test(atom) || /^v\d+(?:(?:alpha|beta|rc)\d+)?$/.test(atom);
}
