// Styles are for esbuild; to TypeScript they are names.

declare module "*.css";
