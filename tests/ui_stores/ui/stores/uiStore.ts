// Guide §1 and §6.
import { createStore } from "zustand/vanilla";
import { api } from "../services/api";

interface UIState {
  theme: "dark" | "light";
  sidebarWidth: number;
  backendConnected: boolean;
  wsConnected: boolean;
  setWsConnected: (connected: boolean) => void;
  checkBackend: () => Promise<void>;
}

export const useUIStore = createStore<UIState>()((set) => ({
  theme: "dark",
  sidebarWidth: 320,
  backendConnected: false,
  wsConnected: false,

  setWsConnected: (wsConnected) => set({ wsConnected }),

  checkBackend: async () => {
    try {
      await api.status();
      set({ backendConnected: true });
    } catch {
      set({ backendConnected: false });
    }
  },
}));
