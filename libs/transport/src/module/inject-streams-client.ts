import { Inject } from '@nestjs/common';
import { streamsClientToken } from '../tokens';

/** Injects the client of that name; without a name the one that `StreamsModule.forRoot` makes. */
export function InjectStreamsClient(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(streamsClientToken(name));
}
