export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Splits server-sent events; gives back what is left of an event that is not whole yet. */
export function parseEvents(text: string, emit: (event: ServerEvent) => void): string {
  let rest = text;
  for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
    const event: ServerEvent = {id: '', event: 'message', data: ''};
    let any = false;
    for (const line of rest.slice(0, end).split('\n')) {
      const colon = line.indexOf(':');
      if (colon <= 0) continue;
      const value = line.slice(colon + 1).replace(/^ /, '');
      switch (line.slice(0, colon)) {
        case 'id':
          event.id = value;
          any = true;
          break;
        case 'event':
          event.event = value;
          any = true;
          break;
        case 'data':
          event.data = event.data === '' ? value : `${event.data}\n${value}`;
          any = true;
          break;
      }
    }
    if (any) emit(event);
    rest = rest.slice(end + 2);
  }
  return rest;
}
