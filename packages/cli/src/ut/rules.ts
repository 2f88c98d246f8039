import type { Handling, RuleView, WhoCondition } from '@rollcall/ue'
import type { Invocation } from '../command/command.ts'
import { printable } from '../printable.ts'
import { checkUri, readUri } from '../ue/session.ts'
import { readInput } from './input.ts'
import { withUt } from './session.ts'

/** `rollcall ue rules allow|block|polite-block|confirm URI` */
export async function setHandling(invocation: Invocation, handling: Handling): Promise<void> {
  const { options, output } = invocation
  const [who = ''] = options.positionals
  checkUri(who)
  await withUt(invocation, async (ut, { domain }) => {
    const identity = readUri(who, domain)
    const { isChanged, isFirstDocument, etag } = await ut.rules.setHandling(identity, handling)
    output.tell(`${identity}: ${handling}${isChanged ? ', in force' : ' already'}`, {
      event: 'rules-changed',
      presentity: ut.identity,
      watcher: identity,
      handling,
      isChanged,
      isFirstDocument,
      etag,
    })
    if (isFirstDocument) output.remark('these are your first rules: everybody else waits for your word from now on')
  })
}

/** `rollcall ue rules show` */
export async function showRules(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  await withUt(invocation, async (ut) => {
    const document = await ut.rules.get()
    if (document === undefined) {
      output.tell('no rules: what the operator provisioned counts', { event: 'no-rules', presentity: ut.identity })
      return
    }
    const { rules, etag, body } = document
    const isXml = options.flag('xml') && !output.isJson
    const text = isXml ? body.toString('utf8').trimEnd() : textOf(ut.identity, rules)
    output.tell(text, {
      event: 'rules',
      presentity: ut.identity,
      etag,
      rules: rules.map(jsonOf),
      document: body.toString('utf8'),
    })
  })
}

/** `rollcall ue rules set FILE` */
export async function setRules(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [file = ''] = options.positionals
  const body = await readInput(file)
  const ifMatch = options.text('if-match')
  await withUt(invocation, async (ut) => {
    const { isNew, etag } = await ut.rules.set(body, { ifMatch })
    output.tell(`rules of ${ut.identity} ${isNew ? 'made' : 'replaced'}, in force`, {
      event: 'rules-set',
      presentity: ut.identity,
      isNew,
      etag,
    })
  })
}

function textOf(presentity: string, rules: readonly RuleView[]): string {
  const lines = rules.map(({ handling, who, when, shows, id }) => {
    const whom = who.length === 0 ? 'everybody, known or not' : who.map(whomOf).join(', ')
    const conditions = when.length === 0 ? '' : `, when ${when.join(' and ')} holds`
    const shown = handling === 'allow' && shows.length === 0 ? ', and nothing to see' : ''
    return `  ${handling.padEnd(14)}${printable(`${whom}${conditions}${shown}  (rule ${id})`)}`
  })
  return [`rules of ${presentity}; of several that match the strongest counts`, ...lines].join('\n')
}

function whomOf(condition: WhoCondition): string {
  switch (condition.kind) {
    case 'one':
      return condition.id
    case 'many': {
      const { domain, except } = condition
      const but = except.map((one) => one.id ?? `everybody of ${one.domain}`).join(' and ')
      return `everybody${domain === undefined ? '' : ` of ${domain}`}${but === '' ? '' : ` but ${but}`}`
    }
    case 'other':
      return condition.name
  }
}

function jsonOf({ id, handling, who, when, shows }: RuleView): Record<string, unknown> {
  return { id, handling, who: who.map(({ position: _, ...condition }) => condition), when, shows }
}
