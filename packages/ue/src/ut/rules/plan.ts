import { RulesEditError } from '../errors.ts'
import { attributeTest } from '../xcap-selector.ts'
import { type Handling, strengthOf } from './handling.ts'
import { exceptFor, OWN_RULE, oneFor, ruleFor } from './rules-text.ts'
import { isAbout, type RuleView, sameIdentity, type WhoCondition } from './rules-view.ts'

/** One change of the document: `steps` with the prefix `cp` for the namespace of common-policy. */
export type RuleEdit =
  | { readonly kind: 'put'; readonly steps: readonly string[]; readonly body: Buffer }
  | { readonly kind: 'delete'; readonly steps: readonly string[] }

/**
 * What must change in a document so that an identity is handled so, whatever other rules say; nothing when it is so already.
 *
 * The strongest of the rules that match counts, so a stronger rule must not match any more: a `one` goes, a `many` gets an
 * `except`. The order of the edits lets the handling change once: what is added first is weaker than what counts yet, and the
 * strongest is taken away last. Otherwise a watcher who is politely blocked would be told of a refusal in between.
 *
 * @throws RulesEditError when a stronger rule is about everybody: it cannot leave anybody out.
 * @see RFC 4745 sections 7.1 and 10.2, RFC 5025 section 3.2.1
 */
export function planHandling(rules: readonly RuleView[], identity: string, handling: Handling): readonly RuleEdit[] {
  const others = rules
    .filter(
      (rule) => rule.handling !== handling && (rule.who.length === 0 || rule.who.some((who) => isAbout(who, identity))),
    )
    .toSorted((a, b) => strengthOf(a.handling) - strengthOf(b.handling))
  const edits = isNamedIn(rules, identity, handling) ? [] : [namingEdit(rules, identity, handling)]
  for (const rule of others) {
    const isStronger = strengthOf(rule.handling) > strengthOf(handling)
    if (isStronger && rule.who.length === 0) {
      throw new RulesEditError(`rule ${rule.id} says ${rule.handling} for everybody: change it with rules set`)
    }
    // A weaker rule of somebody else's says nothing any more, and stays as its author wrote it.
    if (isStronger || rule.id.startsWith(OWN_RULE)) edits.push(...leavingOut(rule, identity, isStronger))
  }
  return edits
}

/** By a rule that holds always. */
function isNamedIn(rules: readonly RuleView[], identity: string, handling: Handling): boolean {
  return rules.some(
    (rule) => rule.handling === handling && rule.when.length === 0 && rule.who.some((who) => isOne(who, identity)),
  )
}

function isOne(who: WhoCondition, identity: string): boolean {
  return who.kind === 'one' && sameIdentity(who.id, identity)
}

function namingEdit(rules: readonly RuleView[], identity: string, handling: Handling): RuleEdit {
  const own = rules.find(
    (rule) =>
      rule.id.startsWith(`${OWN_RULE}${handling}`) &&
      rule.handling === handling &&
      rule.when.length === 0 &&
      rule.who.length > 0 &&
      rule.who.every(({ position }) => position.identity === 1),
  )
  if (own !== undefined) {
    const one = `cp:one${attributeTest('id', identity)}`
    return { kind: 'put', steps: [...identitySteps(own.id, 1), one], body: oneFor(identity) }
  }
  const taken = new Set(rules.map(({ id }) => id))
  let id = `${OWN_RULE}${handling}`
  for (let number = 2; taken.has(id); number += 1) id = `${OWN_RULE}${handling}-${number}`
  return { kind: 'put', steps: ruleSteps(id), body: ruleFor(id, identity, handling) }
}

function leavingOut(rule: RuleView, identity: string, isStronger: boolean): RuleEdit[] {
  const about = rule.who.filter((who) => isAbout(who, identity))
  const ones = about.filter((who) => who.kind === 'one')
  // An identity condition without anybody in it is not valid: then the rule goes.
  if (ones.some(({ position }) => position.siblings === ones.length && ones.length === about.length)) {
    return [{ kind: 'delete', steps: ruleSteps(rule.id) }]
  }
  const edits: RuleEdit[] = ones.toReversed().map(({ id, position }) => ({
    kind: 'delete',
    steps: [...identitySteps(rule.id, position.identity), `cp:one[${position.nth}]${attributeTest('id', id)}`],
  }))
  // The others' rule of our own is weaker than what was just said, and must go on to hold for everybody else.
  if (!isStronger) return edits
  for (const who of about) {
    if (who.kind !== 'many') continue
    const { identity: nth } = who.position
    const steps = [
      ...identitySteps(rule.id, nth),
      `cp:many[${who.position.nth}]`,
      `cp:except${attributeTest('id', identity)}`,
    ]
    edits.push({ kind: 'put', steps, body: exceptFor(identity) })
  }
  return edits
}

function ruleSteps(id: string): string[] {
  return ['cp:ruleset', `cp:rule${attributeTest('id', id)}`]
}

function identitySteps(id: string, nth: number): string[] {
  return [...ruleSteps(id), 'cp:conditions', `cp:identity[${nth}]`]
}
