/** esbuild puts what `import './x.css'` names into the stylesheet beside the program. */
declare module '*.css';
