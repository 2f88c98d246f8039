import type { Command } from '../command/command.ts'
import type { OptionTable } from '../command/options.ts'
import { operatorOptions } from '../operator/options.ts'

const OPTIONS: OptionTable = {
  domain: {
    value: 'DOMAIN',
    help: "the domain of names without one (default: $ROLLCALL_DOMAIN, else the local stack's)",
  },
  ...operatorOptions("a Presence Server's gRPC address (default: $ROLLCALL_PRESENCE_TARGET, else 127.0.0.1:17003)"),
}

/** What an operator asks the Presence Server about its decisions. */
export const decisionCommands: readonly Command[] = [
  {
    path: ['why'],
    group: 'presence',
    operands: 'PRESENTITY WATCHER',
    operandsMin: 2,
    summary: 'what a watcher sees of somebody now, and why',
    description:
      'Shows how the watcher is handled, which rules matched and how they came together, what of the document he does not see, and for each of his subscriptions how he was authenticated, by whose word, and where its audit record and trace are. PRESENTITY and WATCHER are URIs, numbers, or names in the domain.',
    options: {
      'pcscf-target': {
        value: 'HOST:PORT',
        help: "the P-CSCF's gRPC address, for the UE's protection (default: $ROLLCALL_PCSCF_TARGET, else 127.0.0.1:17004)",
      },
      ...OPTIONS,
    },
    examples: ['rollcall why alice bob', 'rollcall why sip:alice@DOMAIN tel:+15550101 --json'],
    run: async (invocation) => (await import('./why.ts')).why(invocation),
  },
  {
    path: ['try'],
    group: 'presence',
    operands: 'PRESENTITY',
    operandsMin: 1,
    summary: 'the document that a watcher would get, before rules are put',
    description:
      'Decides as the Presence Server would, at another time or by rules in a file, and shows the document that would go out. Nothing changes, nobody is told.',
    options: {
      as: { value: 'WATCHER', help: 'who would watch: a URI, a number, or a name in the domain' },
      at: { value: 'TIME', help: 'when: 22:00 today, or 2027-01-31T22:00 (default: now)' },
      rules: { value: 'FILE', help: 'a ruleset in the place of the stored ones; - reads standard input' },
      anonymous: { help: 'the watcher hides his name' },
      ...OPTIONS,
    },
    examples: ['rollcall try alice --as bob', 'rollcall try alice --as bob --at 22:00 --rules rules.xml'],
    run: async (invocation) => (await import('./try.ts')).tryRules(invocation),
  },
]
