import type { Impu } from '@rollcall/core'
import fc from 'fast-check'
import type { RegSubscription } from '../reg-subscription.ts'

const text = fc.string({ maxLength: 20 })

/** Any subscription that can be stored. */
export const subscriptions: fc.Arbitrary<RegSubscription> = fc.record({
  id: text,
  kind: fc.constantFrom('user' as const, 'pcscf' as const, 'as' as const),
  subscriber: text,
  impi: text,
  resource: text.map((value) => value as Impu),
  eventId: text,
  callId: text,
  remoteTag: text,
  localUri: text,
  remoteUri: text,
  remoteTarget: text,
  routeSet: fc.array(text, { maxLength: 3 }),
  remoteCseq: fc.nat(),
  expiresAtMs: fc.nat(),
  notifyBase: fc.record({ cseq: fc.nat(), epoch: fc.nat() }),
})
