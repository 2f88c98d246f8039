import type { Guard } from './guard.ts'
import { ACCESS_GUARDS } from './table/access.ts'
import { AKA_GUARDS } from './table/aka.ts'
import { BOUNDS_GUARDS } from './table/bounds.ts'
import { CONTAINER_GUARDS } from './table/containers.ts'
import { CORE_GUARDS } from './table/core.ts'
import { INSIDE_GUARDS } from './table/inside.ts'
import { PCSCF_WIDTH_GUARDS } from './table/pcscf-width.ts'
import { PRESENCE_GUARDS } from './table/presence.ts'
import { REG_EVENT_GUARDS } from './table/reg-event.ts'
import { SIP_MESSAGE_GUARDS } from './table/sip-messages.ts'
import { STORE_GUARDS } from './table/store.ts'
import { THIRD_PARTY_GUARDS } from './table/third-party.ts'
import { VENDOR_GUARDS } from './table/vendor.ts'

/** Every guard: what the claims of docs/ stand on. `npm run test:guards` takes each out and wants a test to notice. */
export const GUARDS: readonly Guard[] = [
  ...INSIDE_GUARDS,
  ...ACCESS_GUARDS,
  ...PCSCF_WIDTH_GUARDS,
  ...AKA_GUARDS,
  ...CORE_GUARDS,
  ...CONTAINER_GUARDS,
  ...REG_EVENT_GUARDS,
  ...PRESENCE_GUARDS,
  ...BOUNDS_GUARDS,
  ...SIP_MESSAGE_GUARDS,
  ...STORE_GUARDS,
  ...VENDOR_GUARDS,
  ...THIRD_PARTY_GUARDS,
]
