import type { Command } from '../command/command.ts'
import type { OptionTable } from '../command/options.ts'
import { SESSION_OPTIONS, WHO, WHOSE_OPTIONS } from '../ue/commands.ts'

const UT_OPTIONS: OptionTable = {
  ...WHOSE_OPTIONS,
  'ua-access': {
    value: 'HOW',
    oneOf: ['digest', 'psk-tls12', 'psk-tls13'],
    help: 'how the bootstrapped key is used: HTTP digest inside of TLS, or TLS with the key itself (default: digest)',
  },
  ap: {
    value: 'ADDRESS:PORT',
    help: "the Authentication Proxy, in the place of the credentials' (PSK-TLS has ports of its own)",
  },
  'older-key': { help: 'derive the key for the digest as older handsets do (Ua security protocol 01 00 00 00 02)' },
  json: { help: 'write one JSON object a line' },
  help: { help: 'show this help' },
}

const BY_GBA = 'It bootstraps with the ISIM (GBA) and needs no registration; the key lives as long as the command.'

const HANDLING_HELP = {
  allow: 'let somebody see everything',
  block: 'shut somebody out',
  'polite-block': 'let somebody see nothing but closed, without a hint that it is so',
  confirm: 'let somebody wait for your word',
} as const

const HANDLING_TEXT = {
  allow: 'From then on the watcher sees the whole document.',
  block: 'When it returns, nobody sends that watcher anything any more, and his subscriptions end.',
  'polite-block': 'The watcher sees a presentity that is closed, and goes on seeing it whatever happens.',
  confirm: 'The watcher sees nothing; ue watchers shows who waits.',
} as const

const RULES_EDIT =
  'Only what is about this identity changes in the rules (document pres-rules/index); what others change at the same time ' +
  'stays. Without rules yet, everybody else waits for your word from then on, and what the operator provisioned does not count ' +
  'any more.'

function handlingCommand(handling: keyof typeof HANDLING_HELP): Command {
  return {
    path: ['ue', 'rules', handling],
    operands: 'URI',
    operandsMin: 1,
    summary: HANDLING_HELP[handling],
    description: `${HANDLING_TEXT[handling]} ${RULES_EDIT} ${BY_GBA} ${WHO}`,
    options: UT_OPTIONS,
    examples: [`rollcall ue rules ${handling} bob`, `rollcall ue rules ${handling} tel:+15550101 --json`],
    run: async (invocation) => (await import('./rules.ts')).setHandling(invocation, handling),
  }
}

const SELECTOR =
  'SELECTOR is the path behind the XCAP root as a person writes it, such as pres-rules/users/sip:alice@DOMAIN/index or ' +
  'pres-rules/index/~~/cp:ruleset/cp:rule[@id="x"]?xmlns(cp=urn:ietf:params:xml:ns:common-policy); without users or global ' +
  "behind the AUID it is a document of the UE's own. Brackets, quotes and blanks are encoded; what stands as %XX stays."

const MATCH_OPTIONS: OptionTable = {
  'if-match': { value: 'ETAG', help: 'only if the document is this one; * : only if there is something' },
  'if-none-match': { value: 'ETAG', help: 'only if it is not this one; * : only if there is nothing' },
}

/** What a user does over Ut: rules and documents. */
export const utCommands: readonly Command[] = [
  handlingCommand('allow'),
  handlingCommand('block'),
  handlingCommand('polite-block'),
  handlingCommand('confirm'),
  {
    path: ['ue', 'rules', 'show'],
    summary: 'show your presence rules',
    description: `Shows the rules at the Presence Server, a line a rule. ${BY_GBA}`,
    options: { xml: { help: 'show the document itself' }, ...UT_OPTIONS },
    examples: ['rollcall ue rules show', 'rollcall ue rules show --xml > rules.xml'],
    run: async (invocation) => (await import('./rules.ts')).showRules(invocation),
  },
  {
    path: ['ue', 'rules', 'set'],
    operands: 'FILE',
    operandsMin: 1,
    summary: 'replace your presence rules by a file',
    description:
      'Replaces the rules whole by a ruleset of RFC 4745 with the actions and transformations of RFC 5025. They are in force ' +
      `when it returns. ${BY_GBA}`,
    options: {
      'if-match': { value: 'ETAG', help: 'only if the rules are these yet (ue rules show --json tells it)' },
      ...UT_OPTIONS,
    },
    examples: ['rollcall ue rules set rules.xml', 'rollcall ue rules set - < rules.xml'],
    run: async (invocation) => (await import('./rules.ts')).setRules(invocation),
  },
  {
    path: ['ue', 'watchers'],
    summary: 'show who watches you and who waits for your word',
    description:
      'Registers, asks for the watcher information of its own identity, and de-registers. Who waits is let in by ue rules allow.',
    options: { live: { help: 'stay and show each change, until Ctrl-C' }, ...SESSION_OPTIONS },
    examples: ['rollcall ue watchers', 'rollcall ue watchers --live'],
    run: async (invocation) => (await import('./watchers.ts')).watchers(invocation),
  },
  {
    path: ['ue', 'xcap', 'get'],
    operands: 'SELECTOR [FILE]',
    operandsMin: 1,
    operandsMax: 2,
    summary: 'fetch a document or a node of it',
    description: `Writes it to FILE, or shows it. ${SELECTOR} ${BY_GBA}`,
    options: { ...MATCH_OPTIONS, ...UT_OPTIONS },
    examples: [
      'rollcall ue xcap get pres-rules/index',
      'rollcall ue xcap get xcap-caps/global/index caps.xml',
      "rollcall ue xcap get 'resource-lists/index/~~/resource-lists/list[1]/@name'",
    ],
    run: async (invocation) => (await import('./xcap.ts')).xcapGet(invocation),
  },
  {
    path: ['ue', 'xcap', 'put'],
    operands: 'SELECTOR FILE',
    operandsMin: 1,
    operandsMax: 2,
    summary: 'put a document, an element or an attribute',
    description: `Puts what is in FILE, or comes by standard input without it. ${SELECTOR} ${BY_GBA}`,
    options: {
      type: { value: 'TYPE', help: 'media type (default: that of a node, or of the documents of a known AUID)' },
      ...MATCH_OPTIONS,
      ...UT_OPTIONS,
    },
    examples: [
      'rollcall ue xcap put pidf-manipulation/index always-open.xml',
      "rollcall ue xcap put 'resource-lists/index/~~/resource-lists/list[1]/@name' - < name.txt",
    ],
    run: async (invocation) => (await import('./xcap.ts')).xcapPut(invocation),
  },
  {
    path: ['ue', 'xcap', 'delete'],
    operands: 'SELECTOR',
    operandsMin: 1,
    summary: 'delete a document, an element or an attribute',
    description: `Deletes what is there. ${SELECTOR} ${BY_GBA}`,
    options: { ...MATCH_OPTIONS, ...UT_OPTIONS },
    examples: ['rollcall ue xcap delete pres-rules/index --if-match \'"a1"\''],
    run: async (invocation) => (await import('./xcap.ts')).xcapDelete(invocation),
  },
  {
    path: ['ue', 'xcap', 'watch'],
    operands: 'SELECTOR ...',
    operandsMax: 16,
    summary: 'show each change of documents as it happens, until Ctrl-C',
    description:
      'Registers and subscribes to xcap-diff (RFC 5875): first which of the documents there are, then what becomes of each, ' +
      `whichever terminal changes it. Without SELECTOR: all documents of the UE's own. ${SELECTOR}`,
    options: SESSION_OPTIONS,
    examples: ['rollcall ue xcap watch', 'rollcall ue xcap watch pres-rules/index --json'],
    run: async (invocation) => (await import('./xcap-watch.ts')).xcapWatch(invocation),
  },
]
