export { DialogHistory, type NotifyLeft } from './dialog-history.ts'
export { type ContentLeft, type IsBlocked, PolicyHistory } from './policy-history.ts'
