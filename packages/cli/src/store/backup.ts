import { systemClock, systemRandom } from '@rollcall/core'
import { backupStore, createBackupKey, readBackupKey, restoreStore } from '@rollcall/store'
import type { Invocation } from '../command/command.ts'
import { UsageError } from '../errors.ts'
import { adminTlsOf, backupTlsOf, dataOf, servicesOf, urlOf } from './reach.ts'
import { tellContents } from './verify.ts'

/** `rollcall store backup-key` */
export async function makeBackupKey({ options, output }: Invocation): Promise<void> {
  const [file = ''] = options.positionals
  await createBackupKey(file, systemRandom)
  output.tell(`${file} holds a fresh key; who loses it loses every backup that it seals`, { event: 'backup-key', file })
}

/** `rollcall store backup` */
export async function backup(invocation: Invocation): Promise<void> {
  const { options, output, signal } = invocation
  const [file = ''] = options.positionals
  const contents = await backupStore({
    url: urlOf(invocation),
    clock: systemClock,
    random: systemRandom,
    backupTlsOf: backupTlsOf(invocation),
    services: servicesOf(invocation),
    file,
    key: await readBackupKey(keyFileOf(invocation)),
    signal,
  })
  tellContents(output, contents)
  output.tell(`${file} is whole`, { event: 'store-backed-up', file })
}

/** `rollcall store restore` */
export async function restore(invocation: Invocation): Promise<void> {
  const { options, output, signal } = invocation
  const [file = ''] = options.positionals
  const data = dataOf(invocation)
  const { contents, madeAt } = await restoreStore({
    url: urlOf(invocation),
    clock: systemClock,
    adminTlsOf: adminTlsOf(invocation),
    backupTlsOf: backupTlsOf(invocation),
    ...(data === undefined ? {} : { data }),
    replicas: options.text('replicas') === '3' ? 3 : 1,
    file,
    key: await readBackupKey(keyFileOf(invocation)),
    signal,
  })
  tellContents(output, contents)
  output.tell(`the store is as it was at ${madeAt}, and was read again`, { event: 'store-restored', file, madeAt })
}

function keyFileOf({ options }: Invocation): string {
  const file = options.text('key')
  if (file === undefined) throw new UsageError('--key is missing')
  return file
}
