import type { Guard } from './guard.ts'
import { ACCESS_GUARDS } from './table/access.ts'
import { AKA_GUARDS } from './table/aka.ts'
import { AP_GUARDS } from './table/ap.ts'
import { BOUNDS_GUARDS } from './table/bounds.ts'
import { BSF_GUARDS } from './table/bsf.ts'
import { CONTAINER_GUARDS } from './table/containers.ts'
import { CORE_GUARDS } from './table/core.ts'
import { DOCUMENT_GUARDS } from './table/documents.ts'
import { INSIDE_GUARDS } from './table/inside.ts'
import { PCSCF_WIDTH_GUARDS } from './table/pcscf-width.ts'
import { POLICY_GUARDS } from './table/policy.ts'
import { PRESENCE_GUARDS } from './table/presence.ts'
import { REG_EVENT_GUARDS } from './table/reg-event.ts'
import { RULES_GUARDS } from './table/rules.ts'
import { SIP_MESSAGE_GUARDS } from './table/sip-messages.ts'
import { STORE_GUARDS } from './table/store.ts'
import { THIRD_PARTY_GUARDS } from './table/third-party.ts'
import { UT_UE_GUARDS } from './table/ut-ue.ts'
import { VENDOR_GUARDS } from './table/vendor.ts'
import { WATCHER_DIGEST_GUARDS } from './table/watcher-digest.ts'
import { XCAP_GUARDS } from './table/xcap.ts'

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
  ...DOCUMENT_GUARDS,
  ...WATCHER_DIGEST_GUARDS,
  ...XCAP_GUARDS,
  ...POLICY_GUARDS,
  ...AP_GUARDS,
  ...BOUNDS_GUARDS,
  ...BSF_GUARDS,
  ...RULES_GUARDS,
  ...SIP_MESSAGE_GUARDS,
  ...STORE_GUARDS,
  ...VENDOR_GUARDS,
  ...THIRD_PARTY_GUARDS,
  ...UT_UE_GUARDS,
]
