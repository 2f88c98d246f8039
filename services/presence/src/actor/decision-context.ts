import { scanPidf } from '@rollcall/pidf'
import { type DecisionContext, sphereOf } from '@rollcall/policy'
import type { Publication } from './state.ts'

/** What decisions about a presentity's watchers depend on at this moment. Her sphere is read when a rule asks for it. */
export function decisionContext(publications: Iterable<Publication>, nowMs: number): DecisionContext {
  let sphere: { readonly is: string | undefined } | undefined
  return {
    nowMs,
    get sphere() {
      sphere ??= { is: sphereOf([...publications].map(({ body }) => scanPidf(Buffer.from(body, 'latin1')))) }
      return sphere.is
    },
  }
}
