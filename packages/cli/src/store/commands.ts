import type { Command } from '../command/command.ts'
import { DATA_DIR_OPTION } from '../data-dir.ts'

export const storeCommands: readonly Command[] = [
  {
    path: ['store', 'init'],
    summary: 'make the streams and buckets that are not there yet',
    description:
      'Makes the streams and buckets of the store, once; the only thing that ever does. It changes and deletes nothing, and ' +
      'makes nothing at all when anything speaks for data that is there but not seen: so it wants to see the data folder and ' +
      'its key, or, where that lies elsewhere, your word that there is no data yet.',
    options: {
      url: { value: 'URL', help: 'the NATS server (default: $ROLLCALL_NATS_URL, else tls://127.0.0.1:14222)' },
      'tls-dir': {
        value: 'DIR',
        help: "holds storeadmin-SERVICE.crt and .key for each service, and ca.crt (default: the local stack's)",
      },
      'nats-data': {
        value: 'DIR',
        help: "nats-server's store_dir on this machine; its key comes in $ROLLCALL_NATS_ENCRYPTION_KEY",
      },
      'first-installation': { help: 'you say that there is no data yet' },
      service: {
        value: 'NAME',
        isList: true,
        oneOf: ['hss', 'scscf', 'presence', 'pcscf'],
        help: 'only for this service; may come several times',
      },
      replicas: { value: 'N', oneOf: ['1', '3'], help: 'copies of each stream (default: 1)' },
      partitions: {
        value: 'N',
        range: { min: 1, max: 256 },
        help: 'partitions a service, fixed for ever (default: 16)',
      },
      shards: { value: 'N', range: { min: 1, max: 16 }, help: 'streams they are spread over (default: 4)' },
      'data-dir': DATA_DIR_OPTION,
      json: { help: 'write one JSON object a line' },
      help: { help: 'show this help' },
    },
    examples: [
      'rollcall store init --first-installation --url tls://nats.example:4222 --tls-dir /etc/rollcall/pki --replicas 3',
    ],
    run: async (invocation) => (await import('./init.ts')).initialise(invocation),
  },
]
