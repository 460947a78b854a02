// What vite/client declares.
interface ImportMeta {
  readonly env: { readonly DEV: boolean };
}
