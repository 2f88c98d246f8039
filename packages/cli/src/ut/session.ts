import {
  type Credentials,
  DEFAULT_UT_SETTINGS,
  fileIsimStore,
  isimStateFile,
  type UaAccess,
  Ut,
  type UtSettings,
} from '@rollcall/ue'
import type { Invocation } from '../command/command.ts'
import type { Options } from '../command/options.ts'
import { UsageError } from '../errors.ts'
import { credentialsFileOf, loadCredentialsFile } from '../ue/session.ts'

/** Ut for the time of one command: it bootstraps when the network asks for it, and its key goes with it. */
export async function withUt(
  invocation: Invocation,
  work: (ut: Ut, credentials: Credentials) => Promise<void>,
): Promise<void> {
  const { options, signal } = invocation
  const settings = readSettings(options)
  const file = credentialsFileOf(invocation)
  const credentials = await loadCredentialsFile(invocation, file)
  await using ut = await Ut.open({ credentials, isimStore: fileIsimStore(isimStateFile(file)), settings })
  const interrupted = (): void => void ut.close()
  signal.addEventListener('abort', interrupted)
  try {
    await work(ut, credentials)
  } finally {
    signal.removeEventListener('abort', interrupted)
  }
}

function readSettings(options: Options): Partial<UtSettings> {
  const access = (options.text('ua-access') ?? DEFAULT_UT_SETTINGS.access) as UaAccess
  const isOlder = options.flag('older-key')
  const ap = options.text('ap')
  if (isOlder && access !== 'digest') throw new UsageError('--older-key goes with --ua-access digest')
  return {
    access,
    uaProtocol: isOlder ? 'http-digest' : 'cipher-suite',
    ...(ap !== undefined && { ap: readPlace(ap) }),
  }
}

function readPlace(text: string): UtSettings['ap'] {
  const [, address = '', port = ''] = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text) ?? []
  if (address === '') throw new UsageError(`--ap must be ADDRESS:PORT, not '${text}'`)
  return { address, port: Number(port) }
}
