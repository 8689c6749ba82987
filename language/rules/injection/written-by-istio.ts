/** Annotations that Istio writes itself and that `istioctl analyze` therefore never complains about. */
export function isWrittenByIstio(name: string): boolean {
  return (
    name === 'sidecar.istio.io/status' || name === 'gateway.istio.io/controller-version' || name === 'istio.io/rev'
  );
}
