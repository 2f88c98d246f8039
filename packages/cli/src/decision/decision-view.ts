import type { PolicyDecision, RuleVerdict, WatcherSession, WithheldPart } from '@rollcall/proto-gen/admin'
import { printable, timeOfDay } from '../printable.ts'

/** What each handling means to the watcher. */
const SEES: Readonly<Record<string, string>> = {
  allow: 'sees her document',
  'polite-block': 'sees her closed, whatever she does',
  confirm: 'waits for her word and sees nothing',
  block: 'sees nothing and is refused',
}

const SOURCES: Readonly<Record<string, string>> = {
  rules: "by the user's rules",
  own: 'by nobody: these are identities of one user',
  provisioned: 'by what the operator provisioned: the user has no rules',
}

/** Lines that say how somebody is handled, and why. */
export function decisionLines(decision: PolicyDecision): string[] {
  const { handling, source, combined, rules, withheld, nextChangeMs } = decision
  return [
    `  handling   ${handling}: ${SEES[handling] ?? ''}`.trimEnd(),
    `  decided    ${SOURCES[source] ?? printable(source)}`,
    ...rules.map((rule) => `  rule       ${printable(ruleText(rule))}`),
    ...(combined === '' ? [] : [`  together   ${printable(combined)}`]),
    ...withheld.map((part) => `  withheld   ${printable(withheldText(part))}`),
    ...(nextChangeMs === 0n ? [] : [`  changes    by itself at ${timeOfDay(Number(nextChangeMs))}`]),
  ]
}

/** Lines about one subscription of the watcher. */
export function sessionLines(session: WatcherSession): string[] {
  const { eventPackage, status, callId, sinceMs, identityKind, assertedBy, impi, algorithm, protection } = session
  const since = sinceMs === 0n ? '' : ` since ${timeOfDay(Number(sinceMs))}`
  const by = assertedBy === '' ? '' : `, asserted by the role ${assertedBy}`
  const authentication = [impi, algorithm, protection].filter((text) => text !== '').join(', ')
  const { auditId, traceId } = session
  return [
    `  watches    ${eventPackage}, ${status}${since} (Call-ID ${printable(callId)})`,
    `    identity   ${identityKind}${by}`,
    ...(authentication === '' ? [] : [`    authentic  ${printable(authentication)}`]),
    ...(auditId === '' ? [] : [`    audit      ${printable(auditId)}`]),
    ...(traceId === '' ? [] : [`    trace      ${printable(traceId)}`]),
  ]
}

/** As a program reads it. */
export function decisionJson(decision: PolicyDecision): Record<string, unknown> {
  const { nextChangeMs, ...rest } = decision
  return { ...rest, nextChangeAt: nextChangeMs === 0n ? undefined : new Date(Number(nextChangeMs)).toISOString() }
}

/** A document for a terminal, indented; empty when there is none. */
export function documentLines(octets: Buffer): string[] {
  if (octets.length === 0) return ['  document   none']
  const lines = octets.toString('utf8').trimEnd().replaceAll('><', '>\n<').split('\n')
  return ['  document', ...lines.map((line) => `    ${printable(line)}`)]
}

function ruleText({ ruleId, verdict, handling, because }: RuleVerdict): string {
  switch (verdict) {
    case 'does-not-apply':
      return `${ruleId}: does not apply (${because})`
    case 'list-unknown':
      return `${ruleId}: names a list that is not there`
    default:
      return `${ruleId}: ${handling}, ${verdict}`
  }
}

function withheldText({ in: part, id, attribute }: WithheldPart): string {
  const whose = id === '' ? part : `${part} ${id}`
  return attribute === '' ? `all of ${whose}` : `${attribute} of ${whose}`
}
