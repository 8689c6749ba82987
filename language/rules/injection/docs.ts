export const sidecarInjectionDocs = 'https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/';
export const annotationDocs = 'https://istio.io/latest/docs/reference/config/annotations/';
export const labelDocs = 'https://istio.io/latest/docs/reference/config/labels/';
