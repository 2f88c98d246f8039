import { assert } from '@rollcall/core'
import { PRESENCE_RULES_USAGE, parseXcapUri } from '@rollcall/xcap'
import type { PartitionOwner } from '../partition/owner.ts'
import { ALICE, ALICES_POLICY } from './inputs.ts'

export const EVERYTHING =
  '<provide-services><all-services/></provide-services><provide-persons><all-persons/></provide-persons>' +
  '<provide-devices><all-devices/></provide-devices><provide-all-attributes/>'
export const WITHOUT_NOTES = '<provide-services><all-services/></provide-services>'

/** One rule of pres-rules; for everybody unless it is said for whom. */
export function rule(o: {
  id: string
  who?: string
  handling: string
  conditions?: string
  transformations?: string
}): string {
  const who = o.who === undefined ? '' : `<cp:identity><cp:one id="${o.who}"/></cp:identity>`
  return (
    `<cp:rule id="${o.id}"><cp:conditions>${who}${o.conditions ?? ''}</cp:conditions>` +
    `<cp:actions><sub-handling>${o.handling}</sub-handling></cp:actions>` +
    `<cp:transformations>${o.transformations ?? EVERYTHING}</cp:transformations></cp:rule>`
  )
}

let versions = 0

/** alice puts her rules. */
export async function putRules(owner: PartitionOwner, ...rules: readonly string[]): Promise<void> {
  const body =
    '<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy" xmlns="urn:ietf:params:xml:ns:pres-rules">' +
    `${rules.join('')}</cp:ruleset>`
  const outcome = await owner.document({
    presentity: ALICE,
    usage: PRESENCE_RULES_USAGE,
    request: {
      method: 'PUT',
      uri: parseXcapUri(`/pres-rules/users/${ALICE}/index`),
      contentType: PRESENCE_RULES_USAGE.mediaType,
      body: Buffer.from(body),
      ifMatch: undefined,
      ifNoneMatch: undefined,
    },
    newEtag: `v${++versions}`,
    user: { revision: 1n, policy: ALICES_POLICY, impus: [ALICE] },
    traceparent: '',
  })
  assert(outcome.kind === 'write', 'rules that are right can be put')
}

/** A time from `fromMs` on until `untilMs`. */
export function validity(fromMs: number, untilMs: number): string {
  const [from, until] = [fromMs, untilMs].map((ms) => new Date(ms).toISOString())
  return `<cp:validity><cp:from>${from}</cp:from><cp:until>${until}</cp:until></cp:validity>`
}
