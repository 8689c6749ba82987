/** Of the documents that show objects of a cluster; the language client analyses them as well. */
export const yamlScheme = 'meshloom-yaml';
