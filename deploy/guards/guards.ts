import type { Guard } from './guard.ts'
import { ACCESS_GUARDS } from './table/access.ts'
import { BOUNDS_GUARDS } from './table/bounds.ts'
import { CORE_GUARDS } from './table/core.ts'
import { INSIDE_GUARDS } from './table/inside.ts'
import { PRESENCE_GUARDS } from './table/presence.ts'
import { STORE_GUARDS } from './table/store.ts'

/** Every guard: what the claims of docs/ stand on. `npm run test:guards` takes each out and wants a test to notice. */
export const GUARDS: readonly Guard[] = [
  ...INSIDE_GUARDS,
  ...ACCESS_GUARDS,
  ...CORE_GUARDS,
  ...PRESENCE_GUARDS,
  ...BOUNDS_GUARDS,
  ...STORE_GUARDS,
]
