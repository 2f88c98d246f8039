import type { Command } from '../command/command.ts'
import { COMMON_OPTIONS, DATA_OPTIONS, KEY_OPTION, REACH_OPTIONS } from './option-tables.ts'

const { json, help } = COMMON_OPTIONS
const REPLICAS_OPTION = { value: 'N', oneOf: ['1', '3'], help: 'copies of each stream (default: 1)' } as const

export const storeCommands: readonly Command[] = [
  {
    path: ['store', 'init'],
    summary: 'make the streams and buckets that are not there yet',
    description:
      'Makes the streams and buckets of the store, once; the only thing that ever does. It changes and deletes nothing, and ' +
      'makes nothing at all when anything speaks for data that is there but not seen: so it wants to see the data folder and ' +
      'its key, or, where that lies elsewhere, your word that there is no data yet.',
    options: {
      ...REACH_OPTIONS,
      'tls-dir': tlsDirOption('storeadmin-SERVICE.crt and .key'),
      ...DATA_OPTIONS,
      replicas: REPLICAS_OPTION,
      partitions: {
        value: 'N',
        range: { min: 1, max: 256 },
        help: 'partitions a service, fixed for ever (default: 16)',
      },
      shards: { value: 'N', range: { min: 1, max: 16 }, help: 'streams they are spread over (default: 4)' },
      ...COMMON_OPTIONS,
    },
    examples: [
      'rollcall store init --first-installation --url tls://nats.example:4222 --tls-dir /etc/rollcall/pki --replicas 3',
    ],
    run: async (invocation) => (await import('./init.ts')).initialise(invocation),
  },
  {
    path: ['store', 'before-start'],
    summary: 'what must run before each start of a nats-server',
    description:
      'Checks that the data folder and its key belong together, and removes what a nats-server that was killed at the wrong ' +
      'moment leaves behind: an empty block without its key, for which it would delete the whole stream at its next start. Run it ' +
      'before every start, a restart after a crash included; never while the server runs.',
    options: { 'nats-data': DATA_OPTIONS['nats-data'], json, help },
    examples: ['rollcall store before-start --nats-data /var/lib/rollcall/nats/jetstream'],
    run: async (invocation) => (await import('./before-start.ts')).beforeStart(invocation),
  },
  {
    path: ['store', 'verify'],
    summary: 'read everything and check that it is whole',
    description:
      'Reads every partition and every bucket as a service would at its start, and checks it: chain, snapshots, digests, formats. ' +
      'Names each broken place by stream, subject and sequence, and then ends with 1. It changes nothing; services may run.',
    options: { ...REACH_OPTIONS, 'tls-dir': tlsDirOption('storebackup-SERVICE.crt and .key'), ...COMMON_OPTIONS },
    examples: ['rollcall store verify', 'rollcall store verify --service hss --json'],
    run: async (invocation) => (await import('./verify.ts')).verify(invocation),
  },
  {
    path: ['store', 'backup-key'],
    operands: 'FILE',
    operandsMin: 1,
    summary: 'make a key that seals backups',
    description:
      'Writes a fresh key, for its owner alone, to a file that is not there yet. Keep it apart from the backups.',
    options: { json, help },
    examples: ['rollcall store backup-key /etc/rollcall/backup.key'],
    run: async (invocation) => (await import('./backup.ts')).makeBackupKey(invocation),
  },
  {
    path: ['store', 'backup'],
    operands: 'FILE',
    operandsMin: 1,
    summary: 'write everything into one sealed file, while services run',
    description:
      'Writes every partition and every bucket into one file, each as of one moment, checked as it is read. The file is sealed: ' +
      'outside of NATS nothing is encrypted at rest any more but keys of subscribers. It needs the sealing keys of the services ' +
      'beside it to be of use, and those are in no backup.',
    options: {
      ...KEY_OPTION,
      ...REACH_OPTIONS,
      'tls-dir': tlsDirOption('storebackup-SERVICE.crt and .key'),
      ...COMMON_OPTIONS,
    },
    examples: ['rollcall store backup --key /etc/rollcall/backup.key /backup/rollcall-monday'],
    run: async (invocation) => (await import('./backup.ts')).backup(invocation),
  },
  {
    path: ['store', 'restore'],
    operands: 'FILE',
    operandsMin: 1,
    summary: 'fill an empty NATS from a backup',
    description:
      "Makes the streams as 'store init' does, fills them from a backup, and reads all of it again. There must be no streams yet, " +
      'and no service may run. NATS must let the administrators write meanwhile (the setting isRestoring of its configuration, ' +
      'deploy/nats/README.md). After it UEs whose SQN went on since the backup re-synchronise at their next registration.',
    options: {
      ...KEY_OPTION,
      url: REACH_OPTIONS.url,
      'tls-dir': tlsDirOption('storeadmin-SERVICE and storebackup-SERVICE, .crt and .key'),
      ...DATA_OPTIONS,
      replicas: REPLICAS_OPTION,
      ...COMMON_OPTIONS,
    },
    examples: ['rollcall store restore --key backup.key --first-installation /backup/rollcall-monday'],
    run: async (invocation) => (await import('./backup.ts')).restore(invocation),
  },
]

function tlsDirOption(files: string): { readonly value: string; readonly help: string } {
  return { value: 'DIR', help: `holds ${files} for each service, and ca.crt (default: the local stack's)` }
}
