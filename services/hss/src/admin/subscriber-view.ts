import { type Subscriber as AdminSubscriber, Algorithm } from '@rollcall/proto-gen/admin'
import type { Subscriber } from '../subscribers/subscriber.ts'

const NOTHING = Buffer.alloc(0)

/** A subscriber as an operator may see it: without K and OPc, whatever happens. */
export function viewSubscriber(subscriber: Subscriber): AdminSubscriber {
  return {
    subscriptionId: subscriber.subscriptionId,
    privateIdentities: subscriber.privateUsers.map((user) => ({
      impi: user.impi,
      algorithm: Algorithm.ALGORITHM_MILENAGE,
      // guard: keys-unseen — no answer holds K or OPc
      k: NOTHING,
      opc: NOTHING,
      amf: user.amf,
      sqn: user.initialSqn,
    })),
    serviceProfile: subscriber.serviceProfile,
    presencePolicy: subscriber.presencePolicy,
  }
}
