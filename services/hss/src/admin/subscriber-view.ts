import { type Subscriber as AdminSubscriber, Algorithm } from '@rollcall/proto-gen/admin'
import { usesTuak } from '../subscribers/key-seal.ts'
import type { Subscriber } from '../subscribers/subscriber.ts'

const NOTHING = Buffer.alloc(0)

/** A subscriber as an operator may see it: without K, OPc and TOPc, whatever happens. */
export function viewSubscriber(subscriber: Subscriber): AdminSubscriber {
  return {
    subscriptionId: subscriber.subscriptionId,
    privateIdentities: subscriber.privateUsers.map((user) => ({
      impi: user.impi,
      algorithm: usesTuak(user) ? Algorithm.ALGORITHM_TUAK : Algorithm.ALGORITHM_MILENAGE,
      // guard: keys-unseen — no answer holds K, OPc or TOPc
      k: NOTHING,
      opc: NOTHING,
      topc: NOTHING,
      amf: user.amf,
      sqn: user.initialSqn,
    })),
    serviceProfile: subscriber.serviceProfile,
    presencePolicy: subscriber.presencePolicy,
  }
}
