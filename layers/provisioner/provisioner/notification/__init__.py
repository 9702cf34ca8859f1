"""Events of the machines as people read them: in mail, in a chat, on a telephone."""
