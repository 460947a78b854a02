export interface Friend {
  username: string;
  online: boolean;
  last_seen: string;
}

export interface Contact extends Friend {
  lastMessage: string | null;
  lastMessageTime: string | null;
  unreadCount: number;
}
