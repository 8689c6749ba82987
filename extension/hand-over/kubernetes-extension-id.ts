export const kubernetesExtensionId = 'ms-kubernetes-tools.vscode-kubernetes-tools';
