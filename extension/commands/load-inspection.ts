/** The chunk behind most commands, loaded with the first of them. */
export const loadInspection = () => import('../inspection.ts');
