import type { Command } from '../command/command.ts'
import type { OptionTable } from '../command/options.ts'
import { DATA_DIR_OPTION } from '../data-dir.ts'

const NAMES = ['alice', 'bob', 'carol', 'mallory'] as const

/** Whose UE a command is. */
export const WHOSE_OPTIONS: OptionTable = {
  as: {
    value: 'NAME',
    oneOf: NAMES,
    help: "whose UE: credentials DATA_DIR/ue/NAME-cli.json of the local stack (default: alice's)",
  },
  credentials: { value: 'FILE', help: 'credentials of another UE; its ISIM keeps its state in FILE.state' },
  'data-dir': DATA_DIR_OPTION,
}

/** Options of every command that registers a UE. */
export const SESSION_OPTIONS: OptionTable = {
  ...WHOSE_OPTIONS,
  keylog: {
    value: 'FILE',
    help: "append this UE's ESP keys to FILE as lines of Wireshark's esp_sa table, so that a capture can be read: tshark -d udp.port==14500,udpencap",
  },
  'esp-pair': {
    value: 'ALG/EALG',
    isList: true,
    help: 'algorithms to offer for the SAs, such as null/aes-gcm; several times, the preferred one first (default: hmac-sha-1-96/aes-cbc)',
  },
  't1-ms': { value: 'MS', range: { min: 10, max: 10_000 }, help: 'SIP timer T1 (default: 2000, as TS 24.229 has it)' },
  json: { help: 'write one JSON object a line' },
  help: { help: 'show this help' },
}

/** As whom one watches. */
const WATCHER_OPTIONS: OptionTable = {
  anonymous: { help: 'hide the name: the presentity is not told who watches' },
  'password-file': {
    value: 'FILE',
    help: 'password for the home domain, for a challenge of the Presence Server; - reads standard input',
  },
}

const EXPIRES = { value: 'SECONDS', range: { min: 1, max: 600_000 } } as const

export const WHO = "URI is sip:bob@DOMAIN or tel:+15550101; bob alone means sip:bob of the UE's own domain."

export const ueCommands: readonly Command[] = [
  {
    path: ['ue', 'register'],
    summary: 'register, show what the network granted, de-register',
    description:
      'Registers by IMS AKA, shows identities, protection and expiry, and de-registers. It shows whether a UE gets in.',
    options: SESSION_OPTIONS,
    examples: ['rollcall ue register', 'rollcall ue register --as bob --json'],
    run: async (invocation) => (await import('./register.ts')).register(invocation),
  },
  {
    path: ['ue', 'publish'],
    summary: 'publish presence',
    description:
      'Registers, publishes, de-registers. What is published lives on until it expires, and takes the place of what this ' +
      'command published before.',
    options: {
      basic: { value: 'STATE', oneOf: ['open', 'closed'], help: 'whether the person can be reached (default: open)' },
      note: { value: 'TEXT', help: 'a note for the watchers' },
      activity: {
        value: 'NAME',
        isList: true,
        help: 'what the person does, a name of RFC 4480 such as meeting or on-the-phone; may come several times',
      },
      expires: { ...EXPIRES, help: 'how long it lives (default: 3600)' },
      remove: { help: 'take back what this command published before' },
      ...SESSION_OPTIONS,
    },
    examples: [
      'rollcall ue publish --basic open --note "At lunch"',
      'rollcall ue publish --as bob --activity meeting --expires 600',
      'rollcall ue publish --remove',
    ],
    run: async (invocation) => (await import('./publish.ts')).publish(invocation),
  },
  {
    path: ['ue', 'watch'],
    operands: 'URI',
    operandsMin: 1,
    summary: "watch somebody's presence live, until Ctrl-C",
    description: `Registers, subscribes and shows each notification as it comes. Ctrl-C unsubscribes and de-registers. ${WHO}`,
    options: {
      expires: { ...EXPIRES, help: 'how long a subscription lives before it is refreshed (default: 3600)' },
      ...WATCHER_OPTIONS,
      ...SESSION_OPTIONS,
    },
    examples: [
      'rollcall ue watch bob',
      'rollcall ue watch --as carol --anonymous --password-file password alice',
      'rollcall ue watch --as bob sip:alice@ims.mnc001.mcc001.3gppnetwork.org --json',
    ],
    run: async (invocation) => (await import('./watch.ts')).watch(invocation),
  },
  {
    path: ['ue', 'fetch'],
    operands: 'URI',
    operandsMin: 1,
    summary: "ask once for somebody's presence",
    description: `Registers, subscribes with Expires 0, shows the one notification and de-registers. ${WHO}`,
    options: { ...WATCHER_OPTIONS, ...SESSION_OPTIONS },
    examples: ['rollcall ue fetch bob', 'rollcall ue fetch --as bob alice --json'],
    run: async (invocation) => (await import('./fetch.ts')).fetchPresence(invocation),
  },
  {
    path: ['ue', 'winfo'],
    operands: '[URI]',
    operandsMin: 0,
    operandsMax: 1,
    summary: 'show who watches (only the presentity itself may ask)',
    description: `Registers, asks for the watcher information of the UE's own identity, or of URI, and de-registers. ${WHO}`,
    options: { live: { help: 'stay and show each change, until Ctrl-C' }, ...SESSION_OPTIONS },
    examples: ['rollcall ue winfo', 'rollcall ue winfo --live'],
    run: async (invocation) => (await import('./winfo.ts')).winfo(invocation),
  },
]
