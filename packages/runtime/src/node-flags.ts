/**
 * What Node is started with for a service, before the file.
 *
 * A message is octets outside of V8's heap and few small objects inside. With a large young generation these die unseen,
 * the octets pile up until V8 collects the whole heap for their sake, some twenty times a second: half the CPU of a busy
 * hop, and pauses of 20 ms. A small one is collected in time, for next to nothing (`npm run bench -- hop` shows both).
 */
export const SERVICE_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=4']
